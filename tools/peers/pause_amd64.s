#include "textflag.h"

// func pause(spins int)
TEXT ·pause(SB), NOSPLIT, $0-8
	PAUSE
	RET
