/// The entry of `gatehoused`.
@main
enum Daemon {
    static func main() {
    }
}
