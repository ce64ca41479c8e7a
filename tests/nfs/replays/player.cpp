#include "tests/nfs/replays/player.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

namespace berth::nfs {

Player::Player(rpc::Client& client, const KeptHandle& root, const std::string& name,
               std::uint64_t seed, Reseal reseal)
    : client_(client),
      random_(seed),
      reseal_(std::move(reseal)) {
    for (std::size_t i = 0; i < directories_.size(); ++i) {
        const auto made = expect<MakeDirectory>(
            Status::ok, {.where = entry(root, name + std::to_string(i)), .attributes = {}});
        directories_[i].handle = *made->object;
    }
}

void Player::step() {
    switch (below(11)) {
    case 0:
    case 1: create(); break;
    case 2: make_directory(); break;
    case 3: make_link_to_a_name(); break;
    case 4: remove(); break;
    case 5: remove_directory(); break;
    case 6: rename(); break;
    case 7: link(); break;
    case 8: set_attributes(); break;
    default: append(); break;
    }
}

Player::Place Player::any_place() {
    return {directories_[below(directories_.size())],
            std::string(1, static_cast<char>('a' + below(8)))};
}

Player::ObjectPtr Player::any_object(FileType type) {
    std::vector<ObjectPtr> all;
    for (const auto& directory : directories_)
        for (const auto& [name, object] : directory.entries)
            if (object->type == type) all.push_back(object);
    return all.empty() ? nullptr : all[below(all.size())];
}

void Player::made(const Place& place, FileType type, const Created& created, std::string text) {
    demand(created.object && created.attributes, "a new object without handle or attributes");
    const auto& attributes = *created.attributes;
    demand(attributes.type == type, "a new object of another type");
    demand(attributes.links == (type == FileType::directory ? 2U : 1U), "links of a new object");
    demand(type == FileType::directory || attributes.size == text.size(), "size of a new object");
    place.directory.entries[place.name] =
        std::make_shared<Object>(Object{.type = type,
                                        .handle = *created.object,
                                        .fileid = attributes.fileid,
                                        .links = attributes.links,
                                        .mode = attributes.mode,
                                        .text = std::move(text)});
}

void Player::create() {
    const auto place = any_place();
    Verifier verifier;
    const auto random = random_();
    std::memcpy(verifier.data(), &random, sizeof verifier);
    const auto directory = some_handle(place.directory.handle);
    const auto ok = expect<Create>(place.object() ? Status::exists : Status::ok,
                                   {.where = entry(directory, place.name),
                                    .how = Create::How::make<CreateMode::exclusive>(verifier)});
    if (ok) made(place, FileType::regular, *ok);
}

void Player::make_directory() {
    const auto place = any_place();
    const auto directory = some_handle(place.directory.handle);
    const auto ok =
        expect<MakeDirectory>(place.object() ? Status::exists : Status::ok,
                              {.where = entry(directory, place.name), .attributes = {}});
    if (ok) made(place, FileType::directory, *ok);
}

void Player::make_link_to_a_name() {
    const auto place = any_place();
    const auto directory = some_handle(place.directory.handle);
    const auto target = std::to_string(random_());
    const auto ok = expect<MakeSymbolicLink>(place.object() ? Status::exists : Status::ok,
                                             {.where = entry(directory, place.name),
                                              .attributes = {},
                                              .target = std::string_view{target}});
    if (ok) made(place, FileType::symbolic_link, *ok, target);
}

void Player::remove() {
    const auto place = any_place();
    const auto object = place.object();
    const auto due = !object                               ? Status::no_entry
                     : object->type == FileType::directory ? Status::is_directory
                                                           : Status::ok;
    const auto directory = some_handle(place.directory.handle);
    if (!expect<Remove>(due, {entry(directory, place.name)})) return;
    --object->links;
    place.directory.entries.erase(place.name);
}

void Player::remove_directory() {
    const auto place = any_place();
    const auto object = place.object();
    const auto due = !object                               ? Status::no_entry
                     : object->type != FileType::directory ? Status::not_directory
                                                           : Status::ok;
    const auto directory = some_handle(place.directory.handle);
    if (expect<RemoveDirectory>(due, {entry(directory, place.name)}))
        place.directory.entries.erase(place.name);
}

void Player::rename() {
    const auto from = any_place();
    const auto to = any_place();
    const auto object = from.object();
    const auto replaced = to.object();
    auto due = Status::ok;
    if (!object) {
        due = Status::no_entry;
    } else if (replaced && replaced != object) {
        const bool is_directory = object->type == FileType::directory;
        const bool replaces_directory = replaced->type == FileType::directory;
        if (is_directory && !replaces_directory) due = Status::not_directory;
        if (!is_directory && replaces_directory) due = Status::is_directory;
    }
    const bool synchronous = below(2) == 0;
    const auto from_directory = reseal_(from.directory.handle, synchronous);
    const auto to_directory = reseal_(to.directory.handle, synchronous);
    const auto ok =
        expect<Rename>(due, {entry(from_directory, from.name), entry(to_directory, to.name)});
    if (!ok || replaced == object) return;
    if (replaced) --replaced->links;
    from.directory.entries.erase(from.name);
    to.directory.entries[to.name] = object;
}

void Player::link() {
    const auto file = any_object(FileType::regular);
    if (!file) return;
    const auto place = any_place();
    const bool synchronous = below(2) == 0;
    const auto directory = reseal_(place.directory.handle, synchronous);
    const auto ok =
        expect<Link>(place.object() ? Status::exists : Status::ok,
                     {reseal_(file->handle, synchronous), entry(directory, place.name)});
    if (!ok) return;
    ++file->links;
    demand(ok->file && ok->file->links == file->links, "links after LINK");
    place.directory.entries[place.name] = file;
}

// With the right guard it works once; with another not at all.
void Player::set_attributes() {
    const auto file = any_object(FileType::regular);
    if (!file) return;
    const auto handle = some_handle(file->handle);
    auto guard = expect<GetAttributes>(Status::ok, {handle})->attributes.changed;
    const bool is_right = below(4) != 0;
    if (!is_right) guard.nanoseconds ^= 1;
    SetAttributes::Args args{.object = handle, .attributes = {}, .guard = guard};
    const auto mode = static_cast<std::uint32_t>(below(01000));
    args.attributes.mode = mode;
    const auto size = below(file->text.size() + 100);
    if (below(2) == 0) args.attributes.size = size;
    const auto ok = expect<SetAttributes>(is_right ? Status::ok : Status::not_sync, args);
    if (!ok) return;
    file->mode = mode;
    if (args.attributes.size) file->text.resize(size);
    demand(ok->object.before && ok->object.after, "SETATTR without attributes");
    demand(ok->object.before->changed.seconds == guard.seconds &&
               ok->object.before->changed.nanoseconds == guard.nanoseconds,
           "the time from before SETATTR");
    demand(ok->object.after->mode == mode && ok->object.after->size == file->text.size(),
           "the attributes after SETATTR");
}

void Player::append() {
    constexpr std::size_t size_max = 8192;
    const auto file = any_object(FileType::regular);
    if (!file || file->text.size() > size_max) return;
    const std::string text(1 + below(200), static_cast<char>('a' + below(26)));
    const auto ok = expect<Write>(Status::ok, {.file = some_handle(file->handle),
                                               .offset = file->text.size(),
                                               .count = static_cast<std::uint32_t>(text.size()),
                                               .stable = static_cast<Stable>(below(3)),
                                               .data = data_of(text)});
    demand(ok->count == text.size(), "a WRITE of a part");
    demand(ok->file.before && ok->file.before->size == file->text.size(), "size before WRITE");
    file->text += text;
    demand(ok->file.after && ok->file.after->size == file->text.size(), "size after WRITE");
}

void Player::verify() {
    for (auto& directory : directories_) verify(directory);
}

void Player::verify(Directory& directory) {
    std::set<std::string> names;
    std::uint64_t cookie = 0;
    Verifier verifier{};
    for (bool is_end = false; !is_end;) {
        const auto listed =
            expect<ReadDirectory>(Status::ok, {directory.handle, cookie, verifier, 32768});
        demand(listed->eof || !listed->entries.items.empty(), "a listing that does not go on");
        for (const auto& item : listed->entries.items) {
            names.emplace(item.name.view());
            cookie = item.cookie;
        }
        verifier = listed->verifier;
        is_end = listed->eof;
    }
    names.erase(".");
    names.erase("..");
    for (const auto& [name, object] : directory.entries)
        demand(names.erase(name) == 1, "not listed: " + name);
    demand(names.empty(), "nobody has made what is listed");

    for (const auto& [name, object] : directory.entries) {
        const auto found = expect<Lookup>(Status::ok, {entry(directory.handle, name)});
        demand(found->attributes && found->attributes->fileid == object->fileid,
               name + " is another object");
        const auto attributes = *found->attributes;
        demand(attributes.type == object->type && attributes.links == object->links &&
                   attributes.mode == object->mode,
               name + " has other attributes");
        const auto handle = reseal_(object->handle, true);
        if (object->type == FileType::regular) {
            std::string text;
            for (bool is_end = false; !is_end;) {
                const auto read = expect<Read>(Status::ok, {handle, text.size(), 32768});
                demand(read->eof || read->count > 0, "a READ that does not go on");
                text += text_of(read->data.bytes());
                is_end = read->eof;
            }
            demand(text == object->text, name + " has other contents");
        } else if (object->type == FileType::symbolic_link) {
            const auto read = expect<ReadLink>(Status::ok, {handle});
            demand(read->target.view() == object->text, name + " points elsewhere");
        }
    }
}

}  // namespace berth::nfs
