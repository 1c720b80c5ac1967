internal import AWS
internal import CCurl
internal import Glibc

/// A connection made by libcurl (TLS, proxies, names) that is then used as a plain stream of bytes.
///
/// Debian's libcurl has no WebSockets, so `CURLOPT_CONNECT_ONLY` is as far as it goes. One thread uses it.
// The handle is made by `init`, used by one thread and freed once by `deinit`.
@safe
final class CurlStream {
    private static let isReady = curl_global_init(gh_curl_global_default) == CURLE_OK

    private let raw: UnsafeMutableRawPointer
    /// The socket, for poll(2); libcurl owns it.
    let descriptor: Int32

    /// Connects; blocks for `timeout` at the most.
    ///
    /// - Throws: `ChannelError` with code `disconnected`.
    init(_ url: StreamURL, certificateFile: String?, timeout: Duration) throws(ChannelError) {
        guard Self.isReady, let raw = unsafe curl_easy_init() else {
            throw ChannelError(.disconnected, "libcurl does not start")
        }
        unsafe self.raw = unsafe raw
        // Set first: a throw below runs no deinit of an object that is not whole.
        var socket: Int = -1
        let steps: [CURLcode] = unsafe [
            gh_curl_set_string(raw, CURLOPT_URL, url.base.description),
            gh_curl_set_string(raw, CURLOPT_PROTOCOLS_STR, "http,https"),
            gh_curl_set_number(raw, CURLOPT_CONNECT_ONLY, 1),
            gh_curl_set_number(raw, CURLOPT_PATH_AS_IS, 1),
            // Else TLS might agree on HTTP/2, which has no upgrade.
            gh_curl_set_number(raw, CURLOPT_HTTP_VERSION, gh_curl_http_1_1),
            gh_curl_set_number(raw, CURLOPT_SSLVERSION, gh_curl_tls_1_2),
            gh_curl_set_number(raw, CURLOPT_NOSIGNAL, 1),
            gh_curl_set_number(raw, CURLOPT_TCP_NODELAY, 1),
            gh_curl_set_number(raw, CURLOPT_CONNECTTIMEOUT_MS, Int(timeout.components.seconds) * 1_000),
            url.base.isLoopback ? gh_curl_set_string(raw, CURLOPT_PROXY, "") : CURLE_OK,
            certificateFile.map { unsafe gh_curl_set_string(raw, CURLOPT_CAINFO, $0) } ?? CURLE_OK,
        ]
        var result = steps.first { $0 != CURLE_OK } ?? CURLE_OK
        if result == CURLE_OK { result = unsafe curl_easy_perform(raw) }
        if result == CURLE_OK { result = unsafe gh_curl_get_socket(raw, &socket) }
        descriptor = Int32(clamping: socket)
        guard result == CURLE_OK, socket >= 0 else {
            let reason = unsafe String(cString: curl_easy_strerror(result))
            throw ChannelError(
                .disconnected,
                "\(url.base.authority): \(reason.prefix(1).lowercased() + reason.dropFirst())")
        }
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
    }

    /// Sends what goes without waiting.
    ///
    /// - Returns: how many bytes went; 0: none can go now.
    /// - Throws: `ChannelError` with code `disconnected`.
    func send(_ bytes: ArraySlice<UInt8>) throws(ChannelError) -> Int {
        var count = 0
        let result = unsafe bytes.withUnsafeBytes { buffer in
            unsafe curl_easy_send(raw, buffer.baseAddress, buffer.count, &count)
        }
        if result == CURLE_AGAIN { return 0 }
        guard result == CURLE_OK else { throw Self.lost(result) }
        return count
    }

    /// Reads what is there.
    ///
    /// - Returns: the number of bytes, nil: nothing is there now.
    /// - Throws: `ChannelError` with code `disconnected`, also at the end.
    func receive(into buffer: inout [UInt8]) throws(ChannelError) -> Int? {
        var count = 0
        let result = unsafe buffer.withUnsafeMutableBytes { space in
            unsafe curl_easy_recv(raw, space.baseAddress, space.count, &count)
        }
        if result == CURLE_AGAIN { return nil }
        guard result == CURLE_OK, count > 0 else { throw Self.lost(result) }
        return count
    }

    private static func lost(_ result: CURLcode) -> ChannelError {
        let reason = result == CURLE_OK ? "it was closed" : unsafe String(cString: curl_easy_strerror(result))
        return ChannelError(.disconnected, "the connection to the session's stream broke: \(reason)")
    }
}
