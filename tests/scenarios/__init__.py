"""Every state that the field has seen a host in, made on the real lab and brought to clean."""
