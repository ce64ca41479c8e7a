#include <algorithm>

#include "nfs/exports/file.hpp"
#include "nfs/exports/parsing/clients.hpp"
#include "nfs/exports/parsing/options.hpp"
#include "nfs/exports/parsing/words.hpp"
#include "nfs/exports/table.hpp"

namespace berth::exports {
namespace parsing {
namespace {

/// RFC 1813 §5.1.4: what MOUNT can carry.
constexpr std::size_t path_bytes_max = 1024;

class Parser {
public:
    Parser(std::string_view text, const std::string& file, Listing& list)
        : list_(list),
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
        auto known = std::ranges::find(list_.exports, path, &ListedExport::path);
        if (known == list_.exports.end()) {
            list_.exports.push_back({.path = path, .where = problems_.place(path_word)});
            known = list_.exports.end() - 1;
        }
        const auto twin = std::ranges::find(known->clients, client, &ClientRule::client);
        if (twin != known->clients.end()) {
            problems_.add(client_word, path + " has this client already, at " + twin->where.text());
            return;
        }
        if (options.fsid) set_fsid(*known, *options.fsid);
        if (options.mount_point) set_mount_point(*known, *options.mount_point);
        auto rule = options.rule();
        rule.client = client;
        rule.where = problems_.place(client_word);
        known->clients.push_back(std::move(rule));
    }

    void set_fsid(ListedExport& exported, const Placed<GivenFsid>& fsid) {
        for (const auto& other : list_.exports) {
            const bool is_itself = &other == &exported;
            if (other.fsid && is_itself != (other.fsid == fsid.value)) {
                problems_.add(fsid.word, is_itself ? exported.path + " has another fsid already"
                                                   : other.path + " has this fsid already");
                return;
            }
        }
        exported.fsid = fsid.value;
    }

    void set_mount_point(ListedExport& exported, const Placed<std::string>& where) {
        auto path = where.value.empty() ? exported.path : where.value;
        if (exported.mount_point && exported.mount_point != path)
            problems_.add(where.word, exported.path + " has another mountpoint already");
        else
            exported.mount_point = std::move(path);
    }

    Listing& list_;
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

void parse_exports(std::string_view text, const std::string& file, Listing& list) {
    parsing::Parser{text, file, list}.parse();
}

}  // namespace berth::exports
