"""Every sentence a person will read, as templates."""
