"""How a catalogue of an older version becomes one of ours: one module for each step, by Alembic."""
