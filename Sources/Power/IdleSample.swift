/// What was measured on a host at one moment.
package struct IdleSample: Equatable, Sendable {
    /// Processes of one person that run one program.
    package struct Activity: Hashable, Sendable {
        /// Whose they are, by the host's name for them.
        package var user: String
        /// The program, or what it is: `tmux`, `VS Code server`, `login`.
        package var what: String
        /// Whether it is worth keeping the host for, also while it does nothing.
        package var holds: Bool

        package init(user: String, what: String, holds: Bool) {
            self.user = user
            self.what = what
            self.holds = holds
        }
    }

    /// Changes when the host is booted.
    package var boot: String
    /// Processors.
    package var cores: Int
    /// Seconds of processor time that all processes together have used since the boot.
    package var processorTime: Double
    /// The same for what people run.
    package var activities: [Activity: Double]

    package init(boot: String, cores: Int, processorTime: Double, activities: [Activity: Double] = [:]) {
        self.boot = boot
        self.cores = cores
        self.processorTime = processorTime
        self.activities = activities
    }
}
