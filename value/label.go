package value

import (
	"net/netip"
	"slices"
	"strings"
)

// toEnum carries the labels that the column has, to the letter: MySQL would take 'A' for 'a'.
func toEnum(from, to Type) (route, error) {
	if to.Labels == nil {
		return route{}, mismatch(from, to, "its labels aren't known")
	}
	missing := missingLabels(from, to)
	if missing == "" && from.Engine == Postgres {
		return route{}, nil
	}
	lacks := &unfit{reason: "labels that the column lacks"}
	r := route{limits: []string{lacks.reason + missing}}
	r.convert = func(s string) (string, *unfit) {
		if !slices.Contains(to.Labels, s) {
			return "", lacks
		}
		return s, nil
	}
	return r, nil
}

// missingLabels names the labels that to lacks: empty when it's known to lack none.
func missingLabels(from, to Type) string {
	if from.Labels == nil {
		return " (which it has isn't compared)"
	}
	var missing []string
	for _, l := range from.Labels {
		if !slices.Contains(to.Labels, l) {
			missing = append(missing, l)
		}
	}
	if missing == nil {
		return ""
	}
	return ": " + strings.Join(missing, ", ")
}

// toSet carries labels joined by commas: all of the column's, none twice, in its order, which MySQL would
// bring about itself.
func toSet(from, to Type) (route, error) {
	if to.Labels == nil {
		return route{}, mismatch(from, to, "its labels aren't known")
	}
	missing := missingLabels(from, to)
	return route{limits: []string{lacksMember.reason + missing, disorder.reason}, convert: func(s string) (string, *unfit) {
		return orderMembers(s, to.Labels)
	}}, nil
}

var (
	lacksMember = &unfit{reason: "members that the column lacks"}
	disorder    = unfit{reason: "members in another order than the column's, or twice"}
)

// orderMembers checks a set's text against its labels.
func orderMembers(s string, labels []string) (string, *unfit) {
	if s == "" {
		return "", nil
	}
	present := make([]bool, len(labels))
	last, ordered := -1, true
	for member := range strings.SplitSeq(s, ",") {
		i := slices.Index(labels, member)
		if i < 0 {
			return "", lacksMember
		}
		ordered = ordered && i > last
		last, present[i] = i, true
	}
	if ordered {
		return s, nil
	}
	var members []string
	for i, l := range labels {
		if present[i] {
			members = append(members, l)
		}
	}
	return "", disorder.near(strings.Join(members, ","))
}

// toInet carries addresses. MariaDB's types hold one kind of address each, and no masks.
func toInet(from, to Type) (route, error) {
	if to.Engine == Postgres && from.Class == Inet {
		return route{}, nil
	}
	other := &unfit{reason: "text that isn't an address"}
	mask := &unfit{reason: "networks (a mask after the address)"}
	family := &unfit{reason: "addresses of the other family than " + to.Name}
	r := route{lossy: from.Class == Text}
	if r.lossy {
		r.limits = append(r.limits, other.reason)
	}
	if to.Engine != Postgres {
		r.limits = append(r.limits, mask.reason, family.reason)
	}
	r.convert = func(s string) (string, *unfit) {
		p, masked, ok := parseInet(s)
		switch {
		case !ok && from.Class == Inet:
			return "", malformed("it isn't an address")
		case !ok:
			return "", other
		case to.Engine == Postgres:
		case masked:
			return "", mask
		case p.Addr().Is4() != (to.Name == "inet4"):
			return "", family
		}
		return s, nil
	}
	return r, nil
}

// parseInet reads an address with or without a mask.
func parseInet(s string) (p netip.Prefix, masked, ok bool) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		return p, true, err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false, false
	}
	return netip.PrefixFrom(a, a.BitLen()), false, true
}
