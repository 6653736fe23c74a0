"""Chat-ops: what people command is checked, authorised, decided and answered; it acts by what it leaves behind."""
