package acpi

// SLIT is the system locality information table: how far each proximity domain is
// from each other, 10 being local (ACPI 6.5 §5.2.17). Locality i is proximity domain i.
type SLIT struct {
	n      int
	matrix []byte // n*n, row by row
}

const (
	slitFixed = 44
	slitLocal = 10 // distance to oneself; smaller numbers are reserved
)

// ParseSLIT verifies the table in b. A matrix with impossible distances is refused
// as a whole (ErrDistance): then nothing in it deserves trust.
func ParseSLIT(b []byte) (SLIT, error) {
	b, err := check(b, "SLIT", slitFixed)
	if err != nil {
		return SLIT{}, err
	}
	n, m := le64(b[36:]), b[slitFixed:]
	// The first comparison keeps n*n from wrapping.
	if n == 0 || n > MaxTableLen || n*n != uint64(len(m)) {
		return SLIT{}, ErrMatrixSize
	}
	t := SLIT{n: int(n), matrix: m}
	for i := range t.n {
		for j := range t.n {
			if d := t.At(i, j); d < slitLocal || i == j && d != slitLocal {
				return SLIT{}, ErrDistance
			}
		}
	}
	return t, nil
}

// N returns the number of localities.
func (t SLIT) N() int { return t.n }

// At returns the distance from locality i to locality j, both below N: 10 is
// local, 20 twice as far, 255 unreachable. It need not equal At(j, i).
func (t SLIT) At(i, j int) uint8 { return t.matrix[i*t.n+j] }
