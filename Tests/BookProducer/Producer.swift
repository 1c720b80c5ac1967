import FileEvents
import Glibc
import Ownership
import SSHKeys
import Support

/// Makes what hosts would tell, and lets a book take it: for tests of the book and its questions, and for their measurements.
@main
enum Producer {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("error: \(error)")
            exit(1)
        }
    }

    private static func run(_ words: [String]) throws {
        switch (words.first, words.count) {
        case ("story", 2): try Story.tell(to: words[1])
        case ("storm", 5):
            try Storm.make(words[1], Int(words[2]) ?? 0, Int(words[3]) ?? 0, UInt64(words[4]) ?? 0)
        case ("ingest", 3): try Storm.ingest(words[1], from: words[2])
        case ("dump", 2): try Storm.dump(words[1])
        case ("grow", 3): try Growth.grow(words[1], files: Int(words[2]) ?? 0)
        case ("paths", 4): try Asking.list(words[1], tree: words[2], count: Int(words[3]) ?? 0)
        case ("ask", 4): try Asking.run(words[1], tree: words[2], count: Int(words[3]) ?? 0)
        case ("expire", 3): try Storm.expire(words[1], before: Int64(words[2]) ?? 0)
        default:
            print(
                """
                usage: book-producer story BOOK             take lines of standard input
                       book-producer storm FOLDER SEGMENTS EVENTS SEED   write segments
                       book-producer ingest BOOK FOLDER     take them, and say when each is in
                       book-producer dump BOOK              print what the book knows
                       book-producer grow BOOK FILES        make a book of so many files that are nowhere
                       book-producer ask BOOK TREE COUNT    measure questions
                       book-producer paths BOOK TREE COUNT  print paths of files with a story
                       book-producer expire BOOK SECONDS    forget events older than that moment
                """)
            exit(64)
        }
    }
}

/// Reads all of standard input.
func standardInput() throws -> String {
    String(decoding: try Descriptor(adopting: dup(0)).readAll(limit: 1 << 30), as: UTF8.self)
}
