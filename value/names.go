package value

// postgresTypes are PostgreSQL's built-in types by the names that format_type gives them. Others that are
// built in have text that only PostgreSQL reads, and are Opaque like those that users define.
var postgresTypes = map[string]Type{
	"boolean":                     {Class: Boolean},
	"smallint":                    {Class: Integer, Bits: 16},
	"integer":                     {Class: Integer, Bits: 32},
	"bigint":                      {Class: Integer, Bits: 64},
	"oid":                         {Class: Integer, Bits: 32, Unsigned: true},
	"xid8":                        {Class: Integer, Bits: 64, Unsigned: true},
	"numeric":                     {Class: Decimal},
	"real":                        {Class: Float, Bits: 32},
	"double precision":            {Class: Float, Bits: 64},
	"bit":                         {Class: BitString, Fixed: true},
	"bit varying":                 {Class: BitString},
	"text":                        {Class: Text},
	"character varying":           {Class: Text},
	"bpchar":                      {Class: Text, Fixed: true},
	"name":                        {Class: Text, MaxBytes: 63},
	"bytea":                       {Class: Binary},
	"date":                        {Class: Date},
	"time without time zone":      {Class: Time, Fraction: 6},
	"interval":                    {Class: Interval, Fraction: 6},
	"timestamp without time zone": {Class: DateTime, Fraction: 6},
	"timestamp with time zone":    {Class: Instant, Fraction: 6},
	"json":                        {Class: JSON},
	"jsonb":                       {Class: JSON},
	"uuid":                        {Class: UUID},
	"inet":                        {Class: Inet},
}

// mysqlTypes are MySQL's and MariaDB's, by the names that DATA_TYPE gives them, with " unsigned".
var mysqlTypes = withUnsigned(map[string]Type{
	"tinyint":   {Class: Integer, Bits: 8},
	"smallint":  {Class: Integer, Bits: 16},
	"mediumint": {Class: Integer, Bits: 24},
	"int":       {Class: Integer, Bits: 32},
	"bigint":    {Class: Integer, Bits: 64},
	"decimal":   {Class: Decimal, Precision: 65, Scale: 30},
	"float":     {Class: Float, Bits: 32},
	"double":    {Class: Float, Bits: 64},
}, map[string]Type{
	"year":       {Class: Year},
	"bit":        {Class: BitString, Fixed: true},
	"char":       {Class: Text, Fixed: true},
	"varchar":    {Class: Text},
	"tinytext":   {Class: Text, MaxBytes: 1<<8 - 1},
	"text":       {Class: Text, MaxBytes: 1<<16 - 1},
	"mediumtext": {Class: Text, MaxBytes: 1<<24 - 1},
	"longtext":   {Class: Text, MaxBytes: 1<<32 - 1},
	"binary":     {Class: Binary, Fixed: true},
	"varbinary":  {Class: Binary},
	"tinyblob":   {Class: Binary, MaxBytes: 1<<8 - 1},
	"blob":       {Class: Binary, MaxBytes: 1<<16 - 1},
	"mediumblob": {Class: Binary, MaxBytes: 1<<24 - 1},
	"longblob":   {Class: Binary, MaxBytes: 1<<32 - 1},
	"date":       {Class: Date},
	"time":       {Class: Interval, Fraction: 6},
	"datetime":   {Class: DateTime, Fraction: 6},
	"timestamp":  {Class: Instant, Fraction: 6},
	"enum":       {Class: Enum},
	"set":        {Class: Set},
	"json":       {Class: JSON},
	"vector":     {Class: Vector},

	"uuid":  {Class: UUID},
	"inet4": {Class: Inet},
	"inet6": {Class: Inet},

	"geometry": {Class: Spatial}, "point": {Class: Spatial}, "linestring": {Class: Spatial}, "polygon": {Class: Spatial},
	"multipoint": {Class: Spatial}, "multilinestring": {Class: Spatial}, "multipolygon": {Class: Spatial},
	"geomcollection": {Class: Spatial}, "geometrycollection": {Class: Spatial},
})

// mariadbOnly are types that MySQL lacks. They are stored as BINARY; their text is what MariaDB prints.
var mariadbOnly = map[string]bool{"uuid": true, "inet4": true, "inet6": true}

func withUnsigned(numbers, types map[string]Type) map[string]Type {
	for name, t := range numbers {
		types[name] = t
		t.Unsigned = true
		types[name+" unsigned"] = t
	}
	return types
}
