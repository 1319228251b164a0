package testserver

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// account is a user of the machine that servers run as. A nil account is the user of this process.
type account struct {
	name     string
	uid, gid int
}

// unprivileged is the account for servers that refuse to run as root.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(u.Uid)
		gid, errGID := strconv.Atoi(u.Gid)
		if errUID != nil || errGID != nil || uid == 0 {
			return nil, fmt.Errorf("user %s has uid %s, gid %s: servers can't run as that", name, u.Uid, u.Gid)
		}
		return &account{name, uid, gid}, nil
	}
	return nil, fmt.Errorf("database servers don't run as root, and this machine has neither user postgres nor nobody: run scripts/setup postgresql")
}

// own hands a file to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}
