extension CommandTable {
    /// Every command of Gatehouse, in the order help shows them.
    package static let gatehouse = CommandTable([
        Initialize.self,
        UserAdd.self, UserList.self, UserShow.self, UserLock.self, UserUnlock.self, UserSetRole.self,
        UserLeave.self,
        KeyAdd.self, KeyList.self, KeyRemove.self,
        GroupAdd.self, GroupList.self, GroupShow.self, MembershipCommand<GroupAddMember>.self,
        MembershipCommand<GroupRemoveMember>.self,
        HostAdd.self, HostImport.self, HostList.self, HostShow.self, HostSet.self, HostRekey.self,
        HostDrainStart.self, HostDrainEnd.self, HostKeepVerb.self, HostRemove.self, HostRefresh.self,
        HostBootstrap.self,
        PoolAdd.self, PoolList.self, PoolSet.self, MembershipCommand<PoolJoin>.self,
        MembershipCommand<PoolLeave>.self,
        GrantAdd.self, GrantList.self, GrantRemove.self,
        AccountPlan.self, AccountApply.self, AccountStatusShow.self, AccountAdopt.self,
        TreeAdd.self, TreeList.self, TreeShow.self, TreeSet.self, TreeApply.self, TreeRemove.self,
        WatchInstall.self, WatchUpgrade.self, WatchStatus.self, WatchRemove.self,
        FileOwner.self, FileWho.self, FileHistory.self, FileList.self, FileUsage.self, FileChanges.self,
        FileHandedOver.self, FileOrphans.self, FileGaps.self,
        FileShare.self, FileShares.self, FileUnshare.self, FileTransfer.self,
        SessionList.self, SessionShow.self, SessionFiles.self, SessionKill.self,
        EventList.self, EventVerify.self, EventExport.self, EventReseal.self,
        DirectoryExport.self, DirectoryImport.self, ConfigShow.self,
        WhoAmI.self, Hosts.self, HostsDefault.self, Keep.self, KeysList.self, KeysAdd.self, KeysRemove.self,
        SSHConfig.self,
        Help.self, Version.self,
    ])
}
