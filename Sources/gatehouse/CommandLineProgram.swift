/// The entry of `gatehouse`.
@main
enum CommandLineProgram {
    static func main() {
    }
}
