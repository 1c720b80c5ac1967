/// A request in the one form that both sides of a signature agree on.
struct CanonicalRequest {
    /// The form itself.
    let text: String

    /// The names of the headers in it, such as `host;x-amz-date`.
    let signedHeaders: String

    /// Headers that proxies and HTTP itself may change on the way, so they are not signed.
    private static let unsigned: Set<String> = [
        "authorization", "baggage", "connection", "expect", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "x-amzn-trace-id",
    ]

    /// - Parameters:
    ///   - payload: the last line: a digest or a word that stands for one.
    ///   - pathsAsGiven: S3, where a path names an object and `//` and `..` mean themselves.
    init(_ request: HTTPRequest, headers: [HTTPHeader], payload: String, pathsAsGiven: Bool) {
        var values: [String: [String]] = ["host": [request.url.authority]]
        for header in headers {
            let name = header.name.lowercased()
            if name == "host" || Self.unsigned.contains(name) { continue }
            values[name, default: []].append(Self.trimmed(header.value))
        }
        let sorted = values.sorted { Self.precedes($0.key, $1.key) }
        signedHeaders = sorted.map(\.key).joined(separator: ";")
        let path =
            pathsAsGiven
            ? PercentEncoding.encode(PercentEncoding.decode(request.url.path), keepingSlashes: true)
            : PercentEncoding.encode(Self.normalized(request.url.path), keepingSlashes: true)
        let lines =
            [request.method, path, Self.query(request.url.query)]
            + sorted.map { "\($0.key):\($0.value.joined(separator: ","))" } + ["", signedHeaders, payload]
        text = lines.joined(separator: "\n")
    }

    /// Encoded, then sorted by encoded name and encoded value.
    static func query(_ items: [QueryItem]) -> String {
        let encoded = items.map { item in
            (name: PercentEncoding.encode(item.name), value: PercentEncoding.encode(item.value))
        }
        let sorted = encoded.sorted { left, right in
            left.name == right.name
                ? precedes(left.value, right.value) : precedes(left.name, right.name)
        }
        return sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Without empty, `.` and `..` segments.
    static func normalized(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/", omittingEmptySubsequences: true) {
            if segment == ".." { _ = kept.popLast() } else if segment != "." { kept.append(segment) }
        }
        return "/" + kept.joined(separator: "/") + (path.hasSuffix("/") && !kept.isEmpty ? "/" : "")
    }

    /// Without blanks at the ends, with one blank for several.
    private static func trimmed(_ value: String) -> String {
        value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    /// Byte order; Swift's own order of texts is another.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
