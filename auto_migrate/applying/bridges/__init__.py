"""What stands in the database for as long as two releases run: raised, taken along by later migrations, taken down."""
