package import FileEvents

/// Where a scan tells what it finds. All calls come from the thread that called `TreeScanner.run`.
///
/// A scan that is killed and goes on may tell something twice, never nothing.
package protocol ScanReporter: AnyObject {
    /// Takes the report of a directory that is new or different, or a part of one.
    func report(_ directory: DirectoryReport) throws
    /// Takes the beginning or the end of the scan.
    func report(_ scan: ScanReport) throws
    /// Keeps what was reported safe: the book forgets that it was new.
    func flush() throws
}
