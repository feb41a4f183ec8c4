// Language uses everything of Go that a program of ring 3 may use, and prints what came of it. It is built twice, for ring 3
// and with Go's own runtime: both must print the same.
package main

var checks int

// say prints a line, and counts it.
func say(what string, values ...any) {
	line := what + ":"
	for _, v := range values {
		line += " " + text(v)
	}
	out(line + "\n")
	checks++
}

// text is a small fmt.Sprint.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return v
	case error:
		return "error(" + v.Error() + ")"
	case interface{ String() string }:
		return "<" + v.String() + ">"
	case bool:
		if v {
			return "true"
		}
		return "false"
	case int:
		return decimal(v)
	case int8:
		return decimal(int(v))
	case int64:
		return decimal(int(v))
	case uint16:
		return decimal(int(v))
	case uint32:
		return decimal(int(v))
	case uint64:
		return decimal(int(v))
	case uint8:
		return decimal(int(v))
	case rune:
		return "'" + string(v) + "'"
	case float64:
		return decimal(int(v*1000)) + "/1000"
	case []byte:
		return "b" + string(v)
	case []int:
		s := "["
		for i, x := range v {
			if i > 0 {
				s += " "
			}
			s += decimal(x)
		}
		return s + "]"
	case []string:
		s := "["
		for _, x := range v {
			s += x + ";"
		}
		return s + "]"
	}
	return "?"
}

func decimal(n int) string {
	if n < 0 {
		return "-" + decimal(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

func main() {
	initialisers()
	slices()
	stringsAndRunes()
	closures()
	interfaces()
	generics()
	rangeFuncs()
	defers()
	panics()
	mapsOfAllKinds()
	big()
	packages()
	out("checks: " + decimal(checks) + "\n")
}
