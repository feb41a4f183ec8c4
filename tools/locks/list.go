package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// runList prints every lock of the kernel.
func runList(root string, out io.Writer) error {
	r, err := analyseKernel(root)
	if err != nil {
		return err
	}
	return r.print(out)
}

// print prints the locks as a table, by where they are declared.
func (r *result) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "class\tkind\ttype\tlock\tdeclared at\tplaces that take it")
	for _, o := range r.objects {
		class, kind := "-", "-"
		if o.anyClass {
			class = "any"
		}
		if o.class != 0 {
			c := r.order.classes[o.class]
			class = c.name
			kind = map[string]string{kindSleep: "sleep", kindSpin: "spin", kindSpinIRQ: "spin, irq"}[c.kind]
			if c.nests {
				kind += ", nests"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", class, kind, o.typ, o.name, r.at[o], len(r.takenAt[o]))
	}
	return w.Flush()
}
