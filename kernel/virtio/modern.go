package virtio

// modern is a device's registers as virtio 1.x has them (§4.1.4).
type modern struct {
	Common, Notify, ISR, Device Window
	Multiplier                  uint32 // of a queue's notify offset
	notifyLen                   uint32
	notifyAt                    uint32 // queue 0's
}

// The common configuration (§4.1.4.3).
const (
	comFeatureSelect = 0x00
	comFeature       = 0x04
	comDriverSelect  = 0x08
	comDriver        = 0x0c
	comConfigVector  = 0x10
	comStatus        = 0x14
	comGeneration    = 0x15
	comQueueSelect   = 0x16
	comQueueSize     = 0x18
	comQueueVector   = 0x1a
	comQueueEnable   = 0x1c
	comNotifyOff     = 0x1e
	comQueueDesc     = 0x20 // 64 bits each
	comQueueAvail    = 0x28
	comQueueUsed     = 0x30
	commonLen        = 0x38
)

func (m *modern) status() uint8     { return uint8(m.Common.Read(comStatus, 1)) }
func (m *modern) setStatus(v uint8) { m.Common.Write(comStatus, 1, uint32(v)) }

func (m *modern) features() uint64 {
	m.Common.Write(comFeatureSelect, 4, 0)
	low := m.Common.Read(comFeature, 4)
	m.Common.Write(comFeatureSelect, 4, 1)
	return uint64(m.Common.Read(comFeature, 4))<<32 | uint64(low)
}

func (m *modern) setFeatures(v uint64) {
	m.Common.Write(comDriverSelect, 4, 0)
	m.Common.Write(comDriver, 4, uint32(v))
	m.Common.Write(comDriverSelect, 4, 1)
	m.Common.Write(comDriver, 4, uint32(v>>32))
}

func (m *modern) queueSize() uint16 {
	m.Common.Write(comConfigVector, 2, noVector)
	m.Common.Write(comQueueSelect, 2, 0)
	at := uint64(m.Common.Read(comNotifyOff, 2)) * uint64(m.Multiplier)
	if at%2 != 0 || at+2 > uint64(m.notifyLen) {
		return 0
	}
	m.notifyAt = uint32(at)
	return uint16(m.Common.Read(comQueueSize, 2))
}

func (m *modern) setQueue(size uint16, desc, avail, used uint64) {
	m.Common.Write(comQueueSelect, 2, 0)
	m.Common.Write(comQueueSize, 2, uint32(size))
	m.write64(comQueueDesc, desc)
	m.write64(comQueueAvail, avail)
	m.write64(comQueueUsed, used)
	m.Common.Write(comQueueEnable, 2, 1)
}

// write64 writes the halves: of this width a driver need not be able to write at once (§4.1.3.1).
func (m *modern) write64(off uint32, v uint64) {
	m.Common.Write(off, 4, uint32(v))
	m.Common.Write(off+4, 4, uint32(v>>32))
}

func (m *modern) setVector(v uint16) bool {
	m.Common.Write(comQueueSelect, 2, 0)
	m.Common.Write(comQueueVector, 2, uint32(v))
	return uint16(m.Common.Read(comQueueVector, 2)) == v
}

func (m *modern) notify()                  { m.Notify.Write(m.notifyAt, 2, 0) }
func (m *modern) interruptStatus() uint8   { return uint8(m.ISR.Read(0, 1)) }
func (m *modern) config(off uint32) uint32 { return m.Device.Read(off, 4) }
func (m *modern) generation() uint8        { return uint8(m.Common.Read(comGeneration, 1)) }
func (m *modern) anySize() bool            { return true }
