/// The entry of `gatehouse-session`.
@main
enum SessionProgram {
    static func main() {
    }
}
