package conflict

// Alone is a rule that doesn't know of another epoch's.
func Alone(r *Rule) *Rule { return r.epoch("") }
