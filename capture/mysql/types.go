package mysql

// The column types of a table map event. Those that the server uses in memory only don't come.
const (
	typeTiny        = 1
	typeShort       = 2
	typeLong        = 3
	typeFloat       = 4
	typeDouble      = 5
	typeOldTime     = 11
	typeOldDatetime = 12
	typeOldStamp    = 7
	typeLongLong    = 8
	typeInt24       = 9
	typeDate        = 10
	typeYear        = 13
	typeNewDate     = 14
	typeVarchar     = 15
	typeBit         = 16
	typeTimestamp2  = 17
	typeDatetime2   = 18
	typeTime2       = 19
	typeTypedArray  = 20
	typeBlobPacked  = 140 // MariaDB: BLOB … COMPRESSED
	typeCharPacked  = 141 // MariaDB: VARCHAR … COMPRESSED
	typeVector      = 242
	typeJSON        = 245
	typeNewDecimal  = 246
	typeEnum        = 247 // inside typeString's metadata
	typeSet         = 248 // likewise
	typeBlob        = 252
	typeVarString   = 253
	typeString      = 254
	typeGeometry    = 255
)

// The same types in JSON documents have the names that they have in memory.
const (
	typeTimestamp = typeOldStamp
	typeDatetime  = typeOldDatetime
	typeTime      = typeOldTime
)

// metaBytes is how many bytes of metadata a type has in a table map event.
func metaBytes(typ byte) int {
	switch typ {
	case typeFloat, typeDouble, typeBlob, typeGeometry, typeVector, typeJSON, typeBlobPacked,
		typeTime2, typeDatetime2, typeTimestamp2:
		return 1
	case typeString, typeNewDecimal, typeVarString, typeVarchar, typeBit, typeCharPacked, typeEnum, typeSet:
		return 2
	}
	return 0
}

// isNumeric says which types have a bit in the metadata about signs.
func isNumeric(typ byte) bool {
	switch typ {
	case typeTiny, typeShort, typeInt24, typeLong, typeLongLong, typeNewDecimal, typeFloat, typeDouble, typeYear:
		return true
	}
	return false
}

// integerBytes is an integer type's size; 0 for other types.
func integerBytes(typ byte) int {
	switch typ {
	case typeTiny:
		return 1
	case typeShort:
		return 2
	case typeInt24:
		return 3
	case typeLong:
		return 4
	case typeLongLong:
		return 8
	}
	return 0
}

// numberNames are the catalog's names of numeric types.
var numberNames = map[byte]string{
	typeTiny: "tinyint", typeShort: "smallint", typeInt24: "mediumint", typeLong: "int", typeLongLong: "bigint",
	typeFloat: "float", typeDouble: "double", typeNewDecimal: "decimal",
}

// otherNames are those of types that have one name each.
var otherNames = map[byte]string{
	typeYear: "year", typeBit: "bit", typeDate: "date", typeNewDate: "date", typeTime2: "time",
	typeDatetime2: "datetime", typeTimestamp2: "timestamp", typeJSON: "json", typeVector: "vector",
	typeEnum: "enum", typeSet: "set",
}

// blobNames and textNames are by the bytes of their length.
var (
	blobNames = [...]string{1: "tinyblob", 2: "blob", 3: "mediumblob", 4: "longblob"}
	textNames = [...]string{1: "tinytext", 2: "text", 3: "mediumtext", 4: "longtext"}
)

// geometryNames are by the type's number in the metadata.
var geometryNames = [...]string{"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}

// name is the base type as information_schema.COLUMNS.DATA_TYPE has it, with " unsigned" where it's so.
func (c *column) typeName() string {
	if name := numberNames[c.typ]; name != "" {
		if c.unsigned {
			name += " unsigned"
		}
		return name
	}
	if name := otherNames[c.typ]; name != "" {
		return name
	}
	binary := c.charset == nil || c.charset.binary
	switch c.typ {
	case typeString:
		switch {
		case c.native != "":
			return c.native
		case binary:
			return "binary"
		}
		return "char"
	case typeVarchar, typeVarString, typeCharPacked:
		if binary {
			return "varbinary"
		}
		return "varchar"
	case typeBlob, typeBlobPacked:
		if size := int(c.meta); size >= 1 && size <= 4 {
			if binary {
				return blobNames[size]
			}
			return textNames[size]
		}
	case typeGeometry:
		if c.geometry < uint64(len(geometryNames)) {
			return geometryNames[c.geometry]
		}
	}
	return ""
}
