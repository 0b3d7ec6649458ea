"""The page on which people log in, and the button that ends it: plain HTML, without scripts."""

from __future__ import annotations

from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'"
"""What a browser may do on it, beside who may show it in a frame."""
_STYLE = """
:root { color-scheme: light dark; --paper: #f7f6f3; --card: #fff; --ink: #211f1c; --soft: #68635b; --line: #dedad2;
  --accent: #2f55d4; --bad: #a3271c; }
@media (prefers-color-scheme: dark) { :root { --paper: #161514; --card: #211f1d; --ink: #ebe8e3; --soft: #a8a29a;
  --line: #3a3733; --accent: #8aa4ff; --bad: #ff9c8f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 0 clamp(12px, 2.2vw, 32px); background: var(--paper); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
header { display: flex; align-items: baseline; gap: 12px; padding: 12px 0; min-height: 50px;
  border-bottom: 1px solid var(--line); }
h1 { font-size: 19px; font-weight: 650; letter-spacing: -.01em; margin: 0; }
header p { margin: 0; color: var(--soft); }
main { max-width: 340px; margin: clamp(32px, 12vh, 120px) auto 32px; }
h2 { font-size: 16px; font-weight: 600; margin: 0 0 4px; }
main p { margin: 0 0 18px; color: var(--soft); }
main p[role=alert] { color: var(--bad); }
form { display: grid; gap: 6px; }
label { margin-top: 8px; font-weight: 500; }
input { font: inherit; font-size: 16px; width: 100%; padding: 9px 11px; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
button { font: inherit; font-weight: 600; margin-top: 16px; padding: 11px 14px; border: 0; border-radius: 8px;
  background: var(--ink); color: var(--paper); cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""
LEAVE = '<form method="post" action="logout" class="leave"><button type="submit">Log out</button></form>'
"""For the top of the page, where a login is asked for."""


def page(name: str, said: str = "", typed: str = "") -> str:
    """The whole document. name: of the product; said: why the last try failed; typed: the name that was given."""
    why = f'<p role="alert">{escape(said)}</p>' if said else "<p>The galleries here are private.</p>"
    first, second = ("", " autofocus") if typed else (" autofocus", "")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in · {escape(name)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="same-origin">'
        f'<link rel="icon" href="favicon.ico"><style>{_STYLE}</style></head><body>'
        f"<header><h1>{escape(name)}</h1><p>Which garments are alike in this one respect?</p></header>"
        f'<main><h2>Log in</h2>{why}<form method="post" action="login">'
        f'<label for="name">Name</label><input id="name" name="username" value="{escape(typed)}" required{first} '
        'autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="64">'
        '<label for="password">Password</label><input id="password" name="password" type="password" required'
        f'{second} autocomplete="current-password" maxlength="200">'
        '<button type="submit">Log in</button></form></main></body></html>'
    )
