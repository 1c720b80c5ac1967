import COpenSSL
import Support

/// A public key of a kind that Gatehouse accepts, checked to be well-formed.
package struct PublicKey: Hashable, Sendable {
    package let type: KeyType

    /// The key as RFC 4253 section 6.6 writes it.
    package let blob: [UInt8]

    /// The words after the key: one line, without control characters, possibly empty.
    package let comment: String

    /// No comment is longer, in bytes.
    package static let commentLimit = 1_024

    /// No blob is longer, in bytes: an RSA key of 16384 bits fits.
    package static let blobLimit = 4_096

    /// Takes the blob that a client, a host or a file sent.
    ///
    /// - Throws: `KeyError` for anything that is not exactly one well-formed key of an accepted kind.
    package init(blob: [UInt8], comment: String = "") throws(KeyError) {
        guard blob.count <= Self.blobLimit else { throw KeyError(.malformed, "the key is too long") }
        guard comment.utf8.count <= Self.commentLimit else {
            throw KeyError(
                .malformed, "the comment of the key is longer than \(Self.commentLimit) bytes")
        }
        guard comment.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw KeyError(.malformed, "the comment of the key holds control characters")
        }
        type = try KeyBlob.check(blob)
        self.blob = blob
        self.comment = comment
    }

    /// The same key with another comment.
    ///
    /// - Throws: `KeyError` for a comment that is no single line.
    package func commented(_ comment: String) throws(KeyError) -> PublicKey {
        try PublicKey(blob: blob, comment: comment)
    }

    /// `SHA256:` and the unpadded base 64 of the blob's hash, as ssh-keygen prints it.
    package var fingerprint: String {
        "SHA256:" + Base64.encode(HashFunction.sha256(blob), padded: false)
    }

    /// The line of a `.pub` file, without a line end.
    package var line: String {
        let key = "\(type.rawValue) \(Base64.encode(blob))"
        return comment.isEmpty ? key : "\(key) \(comment)"
    }

    /// A line for known_hosts: `[host]:port type base64`, or `host type base64` on port 22.
    package func knownHostsLine(host: String, port: UInt16) -> String {
        let name = port == 22 ? host : "[\(host)]:\(port)"
        return "\(name) \(type.rawValue) \(Base64.encode(blob))"
    }
}

extension PublicKey {
    /// Whether both are the same key, whatever their comments.
    ///
    /// Takes the same time for any two blobs of one length.
    package func isSameKey(as other: PublicKey) -> Bool {
        ConstantTime.areEqual(blob, other.blob)
    }
}

/// Comparisons whose time tells nothing about the contents.
package enum ConstantTime {
    /// Whether both hold the same bytes; only their lengths show in the time taken.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
