/// An element of an XML document: its name, its text, the elements in it.
package struct XMLElement: Sendable {
    package let name: String
    package var text = ""
    package var children: [XMLElement] = []

    package init(name: String) {
        self.name = name
    }

    /// The first element in this one that has the name.
    package subscript(name: String) -> XMLElement? {
        children.first { $0.name == name }
    }

    /// The text of the first element with the name, nil when there is none or it is empty.
    package func string(_ name: String) -> String? {
        guard let text = self[name]?.text, !text.isEmpty else { return nil }
        return text
    }

    /// The entries of a list, such as the `item`s in `reservationSet`.
    package func list(_ name: String, of entry: String = "item") -> [XMLElement] {
        self[name]?.children.filter { $0.name == entry } ?? []
    }
}
