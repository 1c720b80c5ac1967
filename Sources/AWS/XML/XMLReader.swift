internal import CExpat

/// Reads an XML document with expat, within limits: no document type, hence no entities, and no deep nesting.
package enum XMLReader {
    /// More levels than this are not an answer of AWS.
    static let depthLimit = 32
    static let elementLimit = 500_000

    /// The root element.
    ///
    /// - Throws: `AWSError` with code `malformedResponse`.
    package static func parse(_ document: [UInt8]) throws(AWSError) -> XMLElement {
        guard document.count <= 64 << 20, let parser = unsafe XML_ParserCreate("UTF-8") else {
            throw AWSError(.malformedResponse, "the XML document is too large")
        }
        defer { unsafe XML_ParserFree(parser) }
        let builder = XMLBuilder(stop: { unsafe XML_StopParser(parser, XML_Bool(XML_FALSE)) })
        unsafe XML_SetUserData(parser, Unmanaged.passUnretained(builder).toOpaque())
        unsafe XML_SetElementHandler(parser, startElement, endElement)
        unsafe XML_SetCharacterDataHandler(parser, addText)
        unsafe XML_SetStartDoctypeDeclHandler(parser, refuseDocumentType)
        let status = withExtendedLifetime(builder) {
            unsafe document.withUnsafeBytes { bytes in
                unsafe XML_Parse(
                    parser, bytes.assumingMemoryBound(to: CChar.self).baseAddress, Int32(bytes.count), 1)
            }
        }
        if let refusal = builder.refusal {
            throw AWSError(.malformedResponse, "the XML document \(refusal)")
        }
        guard status == XML_STATUS_OK, let root = builder.root else {
            throw AWSError(.malformedResponse, "the XML document is damaged or cut off")
        }
        return root
    }
}

/// Puts a document together from what expat calls.
private final class XMLBuilder {
    private let stop: () -> Void
    private var open: [XMLElement] = []
    private var elementCount = 0
    private(set) var root: XMLElement?
    private(set) var refusal: String?

    init(stop: @escaping () -> Void) {
        self.stop = stop
    }

    func start(_ name: String) {
        elementCount += 1
        if open.count >= XMLReader.depthLimit { return refuse("is nested too deeply") }
        if elementCount > XMLReader.elementLimit { return refuse("has too many elements") }
        open.append(XMLElement(name: name))
    }

    func end() {
        guard refusal == nil, var element = open.popLast() else { return }
        // What stands between elements is layout.
        if !element.children.isEmpty { element.text = "" }
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    func add(_ text: String) {
        if refusal == nil, !open.isEmpty { open[open.count - 1].text += text }
    }

    func refuse(_ reason: String) {
        if refusal == nil {
            refusal = reason
            stop()
        }
    }
}

private func builder(_ context: UnsafeMutableRawPointer?) -> XMLBuilder? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<XMLBuilder>.fromOpaque(context).takeUnretainedValue()
}

private func startElement(
    context: UnsafeMutableRawPointer?, name: UnsafePointer<XML_Char>?,
    attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
) {
    guard let name = unsafe name else { return }
    unsafe builder(context)?.start(String(cString: name))
}

private func endElement(context: UnsafeMutableRawPointer?, name: UnsafePointer<XML_Char>?) {
    unsafe builder(context)?.end()
}

private func addText(context: UnsafeMutableRawPointer?, text: UnsafePointer<XML_Char>?, count: Int32) {
    let bytes = unsafe UnsafeRawBufferPointer(start: text, count: Int(count))
    unsafe builder(context)?.add(String(decoding: bytes, as: UTF8.self))
}

private func refuseDocumentType(
    context: UnsafeMutableRawPointer?, name: UnsafePointer<XML_Char>?, system: UnsafePointer<XML_Char>?,
    public: UnsafePointer<XML_Char>?, hasInternalSubset: Int32
) {
    unsafe builder(context)?.refuse("has a document type")
}
