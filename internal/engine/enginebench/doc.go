// Package enginebench measures the engine beside its peers: it makes data sets
// with exact answers, which programs in other languages read too, and runs the
// engine over them through its public interface.
//
// A data set is a folder. Numbers are little-endian.
//
//	base.fbin     uint32 rows, uint32 dim, then float32 [rows·dim], unit length
//	queries.fbin  the same
//	filters.u16   uint16 [rows]: bit i says that the row passes Filters[i]
//	truth.ibin    int32 [1+Filters][queries][10]: the nearest rows, best first,
//	              without a filter and with each, −1 where fewer pass
package enginebench
