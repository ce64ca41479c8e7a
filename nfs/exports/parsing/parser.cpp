#include <cstddef>
#include <memory>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "nfs/exports/file.hpp"
#include "nfs/exports/parsing/clients.hpp"
#include "nfs/exports/parsing/options.hpp"
#include "nfs/exports/parsing/words.hpp"
#include "nfs/exports/table.hpp"

namespace berth::exports {
namespace parsing {

/// Where things are in a listing.
struct Index {
    struct Known {
        std::size_t at = 0;
        boost::unordered_flat_map<ClientPattern, std::size_t, ClientPatternHash> clients;
    };
    boost::unordered_flat_map<std::string, Known> paths;
    boost::unordered_flat_map<std::string, std::size_t> fsids;  ///< by GivenFsid::text
};

namespace {

/// RFC 1813 §5.1.4: what MOUNT can carry.
constexpr std::size_t path_bytes_max = 1024;

class Parser {
public:
    Parser(std::string_view text, const std::string& file, Listing& list, Index& index)
        : list_(list),
          index_(index),
          problems_(file, list.problems),
          words_(text, problems_) {}

    void parse() {
        while (const auto entry = words_.next()) parse_entry(*entry);
    }

private:
    void parse_entry(const std::vector<Word>& words) {
        const auto path = parse_path(words.front());
        OptionList defaults;
        bool has_client = false;
        for (auto word = words.begin() + 1; word != words.end(); ++word) {
            if (word->find('-') == 0 && !word->empty()) {
                parse_options(word->part(1, word->size()), problems_, defaults);
                continue;
            }
            has_client = true;
            auto options = defaults;
            const auto client = parse_client_entry(*word, options);
            if (path && client) add(words.front(), *path, *word, *client, options);
            // If an option list has no end, the following words are part of it, not clients.
            if (word->find('(') < word->size() && word->find(')') == word->size()) break;
        }
        if (!has_client)
            problems_.add(words.front(), "exported to nobody: expected a client after the path, "
                                         "or * for everyone");
    }

    std::optional<std::string> parse_path(const Word& word) {
        auto path = normalised(word.text());
        if (!path)
            problems_.add(word, "expected the absolute path of a directory, without '..'");
        else if (path->size() > path_bytes_max)
            problems_.add(word, "a path longer than 1024 bytes, which no client can ask for");
        else
            return path;
        return {};
    }

    /// "CLIENT" or "CLIENT(OPTIONS)".
    std::optional<ClientPattern> parse_client_entry(const Word& word, OptionList& options) {
        const auto opening = word.find('(');
        if (opening == 0) {
            problems_.add(word, "expected a client right before the '(', or * for everyone");
            return {};
        }
        if (word.empty()) {
            problems_.add(word, "expected a client");
            return {};
        }
        if (opening != word.size()) {
            const auto closing = word.find(')', opening);
            if (closing + 1 != word.size()) {
                problems_.add(word, closing == word.size()
                                        ? "expected a ')': an option list has no blanks"
                                        : "expected a blank after the ')'");
                return {};
            }
            if (closing != opening + 1)
                parse_options(word.part(opening + 1, closing), problems_, options);
        }
        return parse_client(word.part(0, opening), problems_);
    }

    void add(const Word& path_word, const std::string& path, const Word& client_word,
             const ClientPattern& client, const OptionList& options) {
        auto& known =
            index_.paths.try_emplace(path, Index::Known{.at = list_.exports.size(), .clients = {}})
                .first->second;
        if (known.at == list_.exports.size())
            list_.exports.push_back({.path = path, .where = problems_.place(path_word)});
        auto& exported = list_.exports[known.at];
        const auto [twin, is_first] = known.clients.try_emplace(client, exported.clients.size());
        if (!is_first) {
            const auto& where = exported.clients[twin->second].where;
            problems_.add(client_word, path + " has this client already, at " + where.text());
            return;
        }
        if (options.fsid) set_fsid(exported, *options.fsid);
        if (options.mount_point) set_mount_point(exported, *options.mount_point);
        auto rule = options.rule();
        rule.client = client;
        rule.where = problems_.place(client_word);
        exported.clients.push_back(std::move(rule));
    }

    void set_fsid(ListedExport& exported, const Placed<GivenFsid>& fsid) {
        if (exported.fsid && exported.fsid != fsid.value) {
            problems_.add(fsid.word, exported.path + " has another fsid already");
            return;
        }
        const auto at = static_cast<std::size_t>(&exported - list_.exports.data());
        const auto owner = index_.fsids.try_emplace(fsid.value.text, at).first->second;
        if (owner == at)
            exported.fsid = fsid.value;
        else
            problems_.add(fsid.word, list_.exports[owner].path + " has this fsid already");
    }

    void set_mount_point(ListedExport& exported, const Placed<std::string>& where) {
        auto path = where.value.empty() ? exported.path : where.value;
        if (exported.mount_point && exported.mount_point != path)
            problems_.add(where.word, exported.path + " has another mountpoint already");
        else
            exported.mount_point = std::move(path);
    }

    Listing& list_;
    Index& index_;
    Problems problems_;
    WordReader words_;
};

/// The word as one line, whatever bytes it has.
std::string shown(std::string_view word) {
    constexpr std::size_t bytes_max = 80;
    std::string text;
    for (const char c : word.substr(0, bytes_max)) {
        const auto value = static_cast<unsigned char>(c);
        if (value >= 0x20 && value != 0x7F) {
            text += c;
            continue;
        }
        text += '\\';
        for (const auto shift : {6, 3, 0}) text += static_cast<char>('0' + (value >> shift & 7));
    }
    if (word.size() > bytes_max) text += "...";
    return text;
}

}  // namespace
}  // namespace parsing

std::string Problem::text() const {
    return where.text() + ": " + (word.empty() ? "" : "'" + parsing::shown(word) + "': ") + what;
}

std::optional<ClientPattern> parse_client(std::string_view text, std::string& problem) {
    parsing::Word word{1, 1};
    for (const char c : text) word.add({c, false, word.size() + 1});
    std::vector<Problem> found;
    const std::string no_file;
    parsing::Problems problems{no_file, found};
    if (word.empty()) {
        problem = "expected a client, or * for everyone";
        return {};
    }
    auto client = parsing::parse_client(word, problems);
    if (!found.empty()) problem = found.front().what;
    return client;
}

FileParser::FileParser() : index_(std::make_unique<parsing::Index>()) {}

FileParser::~FileParser() = default;

void FileParser::add(std::string_view text, const std::string& file) {
    parsing::Parser{text, file, list_, *index_}.parse();
}

Listing FileParser::take() && {
    return std::move(list_);
}

Listing parse_exports(std::string_view text, const std::string& file) {
    FileParser parser;
    parser.add(text, file);
    return std::move(parser).take();
}

}  // namespace berth::exports
