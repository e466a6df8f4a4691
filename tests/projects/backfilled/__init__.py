"""A project whose rows are counted up by backfills, one for each kind of primary key."""
