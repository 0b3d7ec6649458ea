"""The page: one file per tab around plain functions that answer the clicks. Does no maths; knows the engine, not the model."""
