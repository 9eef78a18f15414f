"""What is doubtful in a log, and what is done about it: findings, repairs, filters, pseudonyms, estimated starts."""
