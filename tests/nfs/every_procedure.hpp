// Runs something for every procedure but NULL, with arguments in which all handles are given ones.
#pragma once

#include "tests/nfs/support.hpp"

namespace berth::nfs {

/// visit.template operator()<Procedure>(args). The procedures that only ask.
template <class Visit>
void with_every_question(const KeptHandle& handle, Visit visit) {
    visit.template operator()<GetAttributes>({handle});
    visit.template operator()<Lookup>({entry(handle, "name")});
    visit.template operator()<Access>({handle, 0x3F});
    visit.template operator()<ReadLink>({handle});
    visit.template operator()<Read>({.file = handle, .count = 100});
    visit.template operator()<ReadDirectory>({.directory = handle, .count = 4096});
    visit.template operator()<ReadDirectoryPlus>(
        {.directory = handle, .directory_count = 4096, .count_max = 4096});
    visit.template operator()<FileSystemStatus>({handle});
    visit.template operator()<FileSystemInfo>({handle});
    visit.template operator()<PathConfiguration>({handle});
    visit.template operator()<Commit>({.file = handle});
}

/// Those that change something. Where there is a second handle, it is `second`.
template <class Visit>
void with_every_change(const KeptHandle& handle, const KeptHandle& second, Visit visit) {
    visit.template operator()<SetAttributes>({.object = handle});
    visit.template operator()<Write>({.file = handle, .count = 4, .data = data_of("data")});
    visit.template operator()<Create>({.where = entry(handle, "new")});
    visit.template operator()<MakeDirectory>({.where = entry(handle, "new")});
    visit.template operator()<MakeSymbolicLink>(
        {.where = entry(handle, "new"), .attributes = {}, .target = std::string_view{"target"}});
    visit.template operator()<MakeNode>(
        {.where = entry(handle, "new"), .what = MakeNode::What::make<FileType::fifo>()});
    visit.template operator()<Remove>({entry(handle, "name")});
    visit.template operator()<RemoveDirectory>({entry(handle, "name")});
    visit.template operator()<Rename>({entry(handle, "name"), entry(second, "new")});
    visit.template operator()<Link>({handle, entry(second, "new")});
}

template <class Visit>
void with_every_procedure(const KeptHandle& handle, Visit visit) {
    with_every_question(handle, visit);
    with_every_change(handle, handle, visit);
}

}  // namespace berth::nfs
