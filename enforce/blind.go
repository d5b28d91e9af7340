package enforce

// Kinds of findings that say what could not be seen. "No alerts" means that nothing
// happened only where none of them stands.
const (
	SensorSilent   Kind = "sensor_silent"   // a source is silent longer than its rhythm, see [Rhythm]
	LogGap         Kind = "log_gap"         // records were lost before they were read
	ClockJump      Kind = "clock_jump"      // stamps or this machine's clock went back or ahead, see [Clock]
	Unparsable     Kind = "unparsable"      // more records than usual cannot be read, see [Share]
	BaselineStale  Kind = "baseline_stale"  // more came than was foretold
	RangesStale    Kind = "ranges_stale"    // published ranges are old
	ConfigRejected Kind = "config_rejected" // the configuration was changed to one that cannot be used
	DiskLow        Kind = "disk_low"        // what tripline writes to is nearly full
	NotKept        Kind = "not_kept"        // what was found cannot be kept in the database
)

// Blindnesses are those that say nothing of what an agent did.
var Blindnesses = []Kind{
	SensorSilent, LogGap, ClockJump, Unparsable, RangesStale, ConfigRejected, DiskLow, NotKept,
}
