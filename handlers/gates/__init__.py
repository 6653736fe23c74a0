"""What must hold before a release may enter an environment, one file per gate."""
