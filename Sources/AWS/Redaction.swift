// What holds secrets in passing says what it is and not what is in it, should it ever be printed.

extension HTTPRequest: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(method) \(url.scheme)://\(url.authority)\(url.path)" }
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension HTTPResponse: CustomStringConvertible, CustomReflectable {
    package var description: String { "status \(status), \(body.count) bytes" }
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension Environment: CustomStringConvertible, CustomReflectable {
    package var description: String { "Environment([redacted])" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SharedFiles.Profile: CustomStringConvertible, CustomReflectable {
    package var description: String { "profile \(name)" }
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
