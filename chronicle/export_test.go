package chronicle

// Look gives the rows to which nothing concurrent can come.
func (w *Window) Look() { w.look() }

// Held is how many operations the window holds.
func (w *Window) Held() int { return w.held }
