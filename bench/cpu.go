package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// usage is processor time used so far: by all processes below this one (both servers with their backends and
// walsenders, the bridges, the broker; not this process itself), and by the whole machine. Differences of two
// are of use. On a machine with other work to do the first is steadier than the time on the clock. It's from
// /proc, so Linux only; elsewhere it's 0.
type usage struct{ ours, all time.Duration }

// since is what was used after an earlier moment.
func (u usage) since(earlier usage) usage { return usage{u.ours - earlier.ours, u.all - earlier.all} }

// others is the share of the used time that went to strangers, in percent: over about 10 the clock tells more of
// them than of the contestants.
func (u usage) others() float64 { return 100 * float64(u.all-u.ours) / float64(max(u.all, 1)) }

func readUsage() (u usage, err error) {
	if u.ours, err = treeTime(); err == nil {
		u.all, err = machineTime()
	}
	return u, err
}

const tick = time.Second / 100 // USER_HZ, the same on all of Linux's machines

// machineTime adds up the first line of /proc/stat, "cpu user nice system idle iowait irq softirq steal", without
// the idle time.
func machineTime() (all time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if err != nil || len(fields) < 9 {
		return 0, fmt.Errorf("/proc/stat: %d fields: %w", len(fields), err)
	}
	for i, field := range fields[:9] {
		if i == 0 || i == 4 || i == 5 { // the name, idle, iowait
			continue
		}
		n, err := strconv.Atoi(string(field))
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		all += time.Duration(n) * tick
	}
	return all, nil
}

func treeTime() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	used := map[int]time.Duration{}
	children := map[int][]int{}
	self := os.Getpid()
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended; its parent has its time
		}
		p, err := parseStat(text)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if used[p.pid] = p.reaped; p.pid != self {
			used[p.pid] += p.own
		}
		children[p.parent] = append(children[p.parent], p.pid)
	}
	var total time.Duration
	for queue := []int{self}; len(queue) > 0; queue = queue[1:] {
		total += used[queue[0]]
		queue = append(queue, children[queue[0]]...)
	}
	return total, nil
}

// stat is what proc(5) tells in a process's stat file.
type stat struct {
	pid, parent int
	own, reaped time.Duration // of the process itself, and of its children that have ended
}

// parseStat reads "pid (name) state ppid ... utime stime cutime cstime ...", fields 1 to 17. The name may have
// spaces and parentheses in it.
func parseStat(text []byte) (s stat, err error) {
	begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if begin < 0 || end < begin {
		return s, fmt.Errorf("no name in %q", text)
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 15 {
		return s, fmt.Errorf("only %d fields after the name", len(fields))
	}
	var numbers [6]int
	for i, field := range [...][]byte{bytes.TrimSpace(text[:begin]), fields[1], fields[11], fields[12], fields[13], fields[14]} {
		if numbers[i], err = strconv.Atoi(string(field)); err != nil {
			return s, err
		}
	}
	return stat{numbers[0], numbers[1], time.Duration(numbers[2]+numbers[3]) * tick, time.Duration(numbers[4]+numbers[5]) * tick}, nil
}
