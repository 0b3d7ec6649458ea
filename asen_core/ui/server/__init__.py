"""How the page is served: who is answered, in what order, and what of a visit is kept; no layout in here."""
