// Package folder reads a folder of files: it lists what is there, reads one
// file at a time, and notices changes. A Folder is the main type.
//
// What is not a document is listed too, as an item with the reason why it is
// skipped: hidden files, version control and dependency folders by rule
// (rule.go says which), symbolic links, devices, names that cannot be shown.
// So every entry of the folder is accounted for.
//
// The package must not know catalogs, parsers or jobs.
package folder
