"""Alembic's folder: one file in `versions` for each change of the schema. Run by `trunkline/store/schema.py`.

A new one: change `models.py`, then `python -m trunkline.store.migrations.draft "what changes"` prints its body.
"""
