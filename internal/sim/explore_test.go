package sim
import ("testing";"os";"strconv")
func TestExplore(t *testing.T) {
	n,_ := strconv.Atoi(os.Getenv("N"))
	f := Fault(os.Getenv("F"))
	found := map[string]int{}
	for i := range n {
		if _, v := Run(base+uint64(i), f, nil); v != nil {
			found[v.Invariant]++
			if len(found)<3 && found[v.Invariant]<3 { t.Log(i, v) }
		}
	}
	t.Logf("SUM %s %v", f, found)
}
