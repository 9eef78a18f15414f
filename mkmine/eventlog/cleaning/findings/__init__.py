"""The checks for what is doubtful in a log, by the kind of doubt; each is a function from a view to a finding."""
