//go:build (!amd64 || race) && !explore

package atom

func (x *Uint64) StoreRelease(v uint64) { x.Store(v) }
func (x *Int64) StoreRelease(v int64)   { x.Store(v) }
func (x *Uint32) StoreRelease(v uint32) { x.Store(v) }
func (x *Pointer[T]) StoreRelease(p *T) { x.Store(p) }
