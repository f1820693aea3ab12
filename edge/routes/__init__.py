"""What the service answers, one module per audience; `table` lists every route."""
