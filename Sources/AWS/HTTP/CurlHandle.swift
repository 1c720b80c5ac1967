internal import CCurl
internal import Support

/// One easy handle of libcurl with the connections it keeps.
// Whoever takes it out of the transport's list has it alone until it is put back, so one thread at a time uses it.
@safe
final class CurlHandle: @unchecked Sendable {
    private let raw: OpaqueHandle

    private typealias OpaqueHandle = UnsafeMutableRawPointer

    /// - Throws: `AWSError` with code `configuration` when libcurl cannot make one.
    init() throws(AWSError) {
        guard let raw = unsafe curl_easy_init() else {
            throw AWSError(.configuration, "libcurl makes no handle")
        }
        unsafe self.raw = unsafe raw
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
    }

    /// Sends a request and waits for the answer.
    ///
    /// - Throws: `AWSError`; the handle is not to be used again then.
    func perform(_ request: HTTPRequest, certificateFile: String?) throws(AWSError) -> HTTPResponse {
        // Keeps connections, forgets everything else, pointers to the last receiver included.
        unsafe curl_easy_reset(raw)
        let receiver = CurlReceiver(bodyLimit: request.maximumResponseByteCount)
        let context = unsafe Unmanaged.passUnretained(receiver).toOpaque()
        let headers = try CurlList(Self.lines(of: request))
        try setUp(request, certificateFile: certificateFile)
        try check(unsafe gh_curl_set_list(raw, CURLOPT_HTTPHEADER, headers.raw))
        try check(unsafe gh_curl_set_receiver(raw, CURLOPT_WRITEFUNCTION, receiveBody))
        try check(unsafe gh_curl_set_pointer(raw, CURLOPT_WRITEDATA, context))
        try check(unsafe gh_curl_set_receiver(raw, CURLOPT_HEADERFUNCTION, receiveHeader))
        try check(unsafe gh_curl_set_pointer(raw, CURLOPT_HEADERDATA, context))
        let result = withExtendedLifetime((receiver, headers)) { unsafe curl_easy_perform(raw) }
        if receiver.isOverflown {
            throw AWSError(.responseTooLarge, "the answer of \(request.url.authority) is too large")
        }
        if result != CURLE_OK { throw failure(result, of: request) }
        return HTTPResponse(
            status: number(CURLINFO_RESPONSE_CODE), headers: receiver.headers, body: receiver.body)
    }

    private func setUp(_ request: HTTPRequest, certificateFile: String?) throws(AWSError) {
        try set(CURLOPT_URL, request.url.description)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_HTTP_VERSION, gh_curl_http_1_1)
        try set(CURLOPT_SSLVERSION, gh_curl_tls_1_2)
        // Signals are the process's, and time-outs must not use them.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.connectTimeout))
        try set(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout))
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if !request.usesProxy { try set(CURLOPT_PROXY, "") }
        if let certificateFile { try set(CURLOPT_CAINFO, certificateFile) }
        switch request.method {
        case "GET" where request.body.isEmpty:
            try set(CURLOPT_HTTPGET, 1)
        case "HEAD":
            try set(CURLOPT_NOBODY, 1)
        default:
            try check(
                unsafe gh_curl_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)))
            // Copied at once, so the array may go. An empty one may have no address, which would mean: ask for a body.
            let body = request.body.isEmpty ? [0] : request.body
            try check(
                unsafe body.withUnsafeBytes { bytes in
                    unsafe gh_curl_set_pointer(
                        raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
                })
            try set(CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private static func lines(of request: HTTPRequest) -> [String] {
        let own = Set(request.headers.map { $0.name.lowercased() })
        // A name with nothing after the colon takes away what libcurl would add.
        let unwanted = ["Expect", "Content-Type", "Accept"].filter { !own.contains($0.lowercased()) }
        let sent = request.headers.filter { $0.name.lowercased() != "host" }
        // An empty value is written with a semicolon.
        return ["Host: \(request.url.authority)"] + unwanted.map { "\($0):" }
            + sent.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    }

    private func failure(_ result: CURLcode, of request: HTTPRequest) -> AWSError {
        let reason = unsafe String(cString: curl_easy_strerror(result))
        let detail = "\(request.url.authority): \(reason.prefix(1).lowercased() + reason.dropFirst())"
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
            CURLE_SSL_CONNECT_ERROR:
            return AWSError(.unreachable, detail)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_UNSUPPORTED_PROTOCOL,
            CURLE_URL_MALFORMAT:
            return AWSError(.configuration, detail)
        default:
            // A connection that took too long has sent nothing.
            return AWSError(number(CURLINFO_REQUEST_SIZE) == 0 ? .unreachable : .interrupted, detail)
        }
    }

    /// Libcurl takes zero for "no limit".
    private static func milliseconds(_ duration: Duration) -> Int {
        Int(min(max(duration.milliseconds, 1), 86_400_000))
    }

    private func set(_ option: CURLoption, _ value: Int) throws(AWSError) {
        try check(unsafe gh_curl_set_number(raw, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(AWSError) {
        try check(unsafe gh_curl_set_string(raw, option, value))
    }

    /// A fact about the last transfer; 0 when there is none.
    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe gh_curl_get_number(raw, info, &value) == CURLE_OK ? value : 0
    }

    private func check(_ result: CURLcode) throws(AWSError) {
        guard result == CURLE_OK else {
            throw AWSError(.invalidRequest, unsafe String(cString: curl_easy_strerror(result)).lowercased())
        }
    }
}

/// A list of texts as libcurl has it.
// Libcurl copies the texts; the list is freed once, by `deinit`, after the transfer that reads it.
@safe
private final class CurlList {
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    init(_ lines: [String]) throws(AWSError) {
        for line in lines {
            guard let longer = unsafe curl_slist_append(raw, line) else {
                throw AWSError(.invalidRequest, "libcurl is out of memory")
            }
            unsafe raw = unsafe longer
        }
    }

    deinit {
        unsafe curl_slist_free_all(raw)
    }
}

/// Takes in an answer piece by piece.
private final class CurlReceiver {
    private static let headerLimit = 1 << 16

    private let bodyLimit: Int
    private var headerByteCount = 0
    private(set) var headers: [HTTPHeader] = []
    private(set) var body: [UInt8] = []
    private(set) var isOverflown = false

    init(bodyLimit: Int) {
        self.bodyLimit = bodyLimit
    }

    /// - Returns: false when there is too much of it.
    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.count > bodyLimit - body.count { isOverflown = true } else { unsafe body += bytes }
        return !isOverflown
    }

    func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        headerByteCount += bytes.count
        if headerByteCount > Self.headerLimit {
            isOverflown = true
            return false
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        // The headers after an interim answer (status 100) are those that count.
        if line.hasPrefix("HTTP/") { headers = [] }
        if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let end = value.lastIndex { !$0.isWhitespace }.map { value.index(after: $0) } ?? value.startIndex
            headers.append(HTTPHeader(String(line[..<colon]), String(value[..<end])))
        }
        return true
    }
}

private func receiveBody(
    data: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let receiver = unsafe Unmanaged<CurlReceiver>.fromOpaque(context).takeUnretainedValue()
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
    // Any other number than the one that came in ends the transfer.
    return unsafe receiver.takeBody(bytes) ? bytes.count : bytes.count + 1
}

private func receiveHeader(
    data: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let receiver = unsafe Unmanaged<CurlReceiver>.fromOpaque(context).takeUnretainedValue()
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
    return unsafe receiver.takeHeader(bytes) ? bytes.count : bytes.count + 1
}
