"""What the functions of migrations do, told from their source and without calling any: `functions` reads them whole."""
