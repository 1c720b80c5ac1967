import FileTransfers
import Support

extension FileOperation {
    /// What the event log holds of it; paths as people read them.
    var detail: [String: String] {
        var detail = [
            "operation": kind.rawValue, "path": PathText.shown(path), "result": result,
        ]
        if !other.isEmpty { detail["other"] = PathText.shown(other) }
        if kind == .read || bytesRead > 0 { detail["bytes_read"] = String(bytesRead) }
        if kind == .write || bytesWritten > 0 { detail["bytes_written"] = String(bytesWritten) }
        if !attributes.isEmpty { detail["attributes"] = attributes }
        if !digest.isEmpty { detail["sha256"] = Hexadecimal.encode(digest) }
        return detail
    }
}
