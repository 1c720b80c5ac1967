internal import CCurl
internal import Support

/// Sends requests with libcurl, and keeps a few connections for the next ones.
///
/// Any thread may use it; each call runs on its own thread from beginning to end.
package final class CurlTransport: HTTPTransport {
    private static let isReady = curl_global_init(gh_curl_global_default) == CURLE_OK
    private static let idleLimit = 8

    private let certificateFile: String?
    private let idle = Locked<[CurlHandle]>([])

    /// - Parameter certificateFile: trusted in place of the system's certificates; `AWS_CA_BUNDLE`.
    package init(certificateFile: String? = nil) {
        self.certificateFile = certificateFile
    }

    package func send(_ request: HTTPRequest) throws(AWSError) -> HTTPResponse {
        try Self.check(request)
        guard Self.isReady else { throw AWSError(.configuration, "libcurl does not start") }
        let handle: CurlHandle
        if let kept = idle.withLock({ $0.popLast() }) { handle = kept } else { handle = try CurlHandle() }
        let response = try handle.perform(request, certificateFile: certificateFile)
        // A handle that failed is let go, and with it its connections.
        idle.withLock { if $0.count < Self.idleLimit { $0.append(handle) } }
        return response
    }

    /// Refuses what would end a line of the request early.
    private static func check(_ request: HTTPRequest) throws(AWSError) {
        let names = [request.method] + request.headers.map(\.name)
        let values = request.headers.map(\.value)
        guard
            names.allSatisfy({ name in
                !name.isEmpty
                    && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
            }), values.allSatisfy({ $0.utf8.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7F } }),
            request.url.path.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw AWSError(.invalidRequest, "a header or the path holds characters that must not be sent")
        }
    }
}
