package virtio

// legacy is a device's registers as they were before virtio 1.0, in I/O ports (§4.1.4.10).
type legacy struct {
	Ports Window
	MSIX  bool // it is enabled: then the device's own registers begin later
}

const (
	legFeatures       = 0x00
	legDriverFeatures = 0x04
	legQueuePage      = 0x08
	legQueueSize      = 0x0c
	legQueueSelect    = 0x0e
	legNotify         = 0x10
	legStatus         = 0x12
	legISR            = 0x13
	legConfigVector   = 0x14 // with MSI-X only
	legQueueVector    = 0x16
	legDevice         = 0x14 // without
	legDeviceMSIX     = 0x18
	legacyLen         = legDeviceMSIX + confBlockSize + 4
)

func (g *legacy) status() uint8        { return uint8(g.Ports.Read(legStatus, 1)) }
func (g *legacy) setStatus(v uint8)    { g.Ports.Write(legStatus, 1, uint32(v)) }
func (g *legacy) features() uint64     { return uint64(g.Ports.Read(legFeatures, 4)) }
func (g *legacy) setFeatures(v uint64) { g.Ports.Write(legDriverFeatures, 4, uint32(v)) }

func (g *legacy) queueSize() uint16 {
	g.Ports.Write(legQueueSelect, 2, 0)
	return uint16(g.Ports.Read(legQueueSize, 2))
}

// setQueue: the device knows the size, and from it where the rings are.
func (g *legacy) setQueue(_ uint16, desc, _, _ uint64) {
	g.Ports.Write(legQueueSelect, 2, 0)
	g.Ports.Write(legQueuePage, 4, uint32(desc/ringAlign))
}

func (g *legacy) setVector(v uint16) bool {
	if !g.MSIX {
		return v == noVector
	}
	g.Ports.Write(legConfigVector, 2, noVector)
	g.Ports.Write(legQueueSelect, 2, 0)
	g.Ports.Write(legQueueVector, 2, uint32(v))
	return uint16(g.Ports.Read(legQueueVector, 2)) == v
}

func (g *legacy) notify()                { g.Ports.Write(legNotify, 2, 0) }
func (g *legacy) interruptStatus() uint8 { return uint8(g.Ports.Read(legISR, 1)) }

func (g *legacy) config(off uint32) uint32 {
	if g.MSIX {
		return g.Ports.Read(legDeviceMSIX+off, 4)
	}
	return g.Ports.Read(legDevice+off, 4)
}

func (g *legacy) generation() uint8 { return 0 } // it has none
func (g *legacy) anySize() bool     { return false }
