package naming

import (
	"slices"

	"bridge/change"
)

// StreamTable is a table of the local catalog under its stream names. It's t itself where they're the same.
func (n Names) StreamTable(t *change.Table) (*change.Table, error) {
	if n.Identity() {
		return t, nil
	}
	name, err := n.Stream(t.TableName)
	if err != nil {
		return nil, err
	}
	return renamed(t, name, func(column string) (string, error) { return n.StreamColumn(t.TableName, column) })
}

// LocalTable is a table of the streams under its local names. It's t itself where they're the same.
func (n Names) LocalTable(t *change.Table) (*change.Table, error) {
	if n.Identity() {
		return t, nil
	}
	name, err := n.Local(t.TableName)
	if err != nil {
		return nil, err
	}
	return renamed(t, name, func(column string) (string, error) { return n.LocalColumn(name, column) })
}

// Both is a name here and, where that's another, the one between the regions: for messages to operators, who see the one in
// their database and the other in what regions say about each other.
func Both(local, stream string) string {
	if local == stream {
		return local
	}
	return local + " (" + stream + " between the regions)"
}

func renamed(t *change.Table, name change.TableName, rename func(string) (string, error)) (*change.Table, error) {
	columns := slices.Clone(t.Columns)
	for i := range columns {
		var err error
		if columns[i].Name, err = rename(columns[i].Name); err != nil {
			return nil, err
		}
	}
	if name == t.TableName && slices.Equal(columns, t.Columns) {
		return t, nil
	}
	return change.NewTable(name, columns, t.Full).On(t.Engine), nil
}
