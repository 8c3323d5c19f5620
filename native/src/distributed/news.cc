#include "distributed/news.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "distributed/quiet.h"

namespace cooper4j::distributed {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{500};
/// How long a rank may take to say that it is there: some polls.
constexpr milliseconds kAnswer{2000};

std::vector<uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// The first lines in which two texts differ; equal ones if none does.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_of_a(a);
  std::istringstream lines_of_b(b);
  std::string line_of_a;
  std::string line_of_b;
  for (;;) {
    const bool more_of_a = static_cast<bool>(std::getline(lines_of_a, line_of_a));
    const bool more_of_b = static_cast<bool>(std::getline(lines_of_b, line_of_b));
    if (!more_of_a) line_of_a = "nothing more";
    if (!more_of_b) line_of_b = "nothing more";
    if (line_of_a != line_of_b || (!more_of_a && !more_of_b)) return {line_of_a, line_of_b};
  }
}

std::string join(const std::vector<int>& ranks) {
  constexpr size_t kMost = 8;
  std::string all;
  for (size_t i = 0; i < std::min(ranks.size(), kMost); ++i) {
    all += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
  }
  if (ranks.size() > kMost) all += " and " + std::to_string(ranks.size() - kMost) + " more";
  return (ranks.size() == 1 ? "rank " : "ranks ") + all;
}

}  // namespace

/// What the thread shares with the group, and outlives it.
struct News::Board {
  using Task = std::function<void(c10d::Store&)>;

  Board(c10::intrusive_ptr<c10d::Store> s, int r, int n) : store(std::move(s)), rank(r), size(n) {}

  const c10::intrusive_ptr<c10d::Store> store;
  const int rank;
  const int size;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;
  Item item;
  int64_t call = 0;
  std::string what;  // is called
  bool stopped = false;
  bool answered = false;  // only the thread's

  void run() {
    const QuietLog quiet(QuietLog::Of::kWarnings);
    std::unique_lock<std::mutex> lock(mutex);
    while (!stopped) {
      changed.wait_for(lock, kPoll, [&] { return stopped || !tasks.empty(); });
      while (!tasks.empty()) {
        const Task task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        try {
          task(*store);
        } catch (const std::exception&) {  // whoever asked waits no longer than he said
        }
        lock.lock();
      }
      if (stopped || !item.text.empty()) continue;
      lock.unlock();
      try {
        if (!answered && store->check({"trouble"})) answer(*store);
        if (store->check({"end"})) notice(*store);
      } catch (const std::exception&) {
        know({"the store of the group has gone with the process that had it, rank 0 or the agent",
              false});
      }
      lock.lock();
    }
  }

  Item latest() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return item;
  }

  bool has_called() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return call > 0;
  }

  void know(Item news) {
    const std::lock_guard<std::mutex> lock(mutex);
    item = std::move(news);
  }

  /// Reads why the group has ended.
  std::string notice(c10d::Store& from) {
    const std::string said = text(from.get("end"));
    from.add("read", 1);
    know({said.substr(1), said[0] == 'f'});
    return said.substr(1);
  }

  void answer(c10d::Store& to) {
    answered = true;
    std::unique_lock<std::mutex> lock(mutex);
    const std::string place = std::to_string(call) + ", " + what;
    lock.unlock();
    to.set("here/" + std::to_string(rank), bytes(place));
    to.add("here", 1);
  }

  /// Of an error in a call: who has not made it, all having answered.
  std::string late(c10d::Store& from) const {
    std::vector<std::string> places;
    int64_t furthest = 0;
    for (int r = 0; r < size; ++r) {
      places.push_back(text(from.get("here/" + std::to_string(r))));
      furthest = std::max<int64_t>(furthest, std::stoll(places.back()));
    }
    if (furthest == 0) return "";
    std::string all;
    int some = 0;
    for (int r = 0; r < size; ++r) {
      if (std::stoll(places[r]) == furthest) continue;
      if (++some > 3) continue;
      all += "; rank " + std::to_string(r) + " has not come there, " +
             (places[r][0] == '0' ? "it has made none" : "its last was call " + places[r]);
    }
    if (some > 3) all += "; nor have " + std::to_string(some - 3) + " more ranks";
    return some > 0 ? all : "; all ranks are there, but do not reach each other";
  }

  /// Lets the thread do it; whether it was done in time.
  static bool ask(const std::shared_ptr<Board>& board, milliseconds timeout, const Task& task) {
    auto done = std::make_shared<bool>(false);
    std::unique_lock<std::mutex> lock(board->mutex);
    board->tasks.push_back([board = board.get(), done, task](c10d::Store& store) {
      task(store);
      const std::lock_guard<std::mutex> inner(board->mutex);
      *done = true;
      board->changed.notify_all();
    });
    board->changed.notify_all();
    return board->changed.wait_for(lock, timeout, [&] { return *done; });
  }
};

News::News(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size)
    : board_(std::make_shared<Board>(store->clone(), rank, size)) {
  std::thread([board = board_] { board->run(); }).detach();
}

News::~News() {
  const std::lock_guard<std::mutex> lock(board_->mutex);
  board_->stopped = true;
  board_->changed.notify_all();
}

void News::enter(int64_t call, const std::string& what) {
  const std::lock_guard<std::mutex> lock(board_->mutex);
  board_->call = call;
  board_->what = what;
}

News::Item News::latest() const { return board_->latest(); }

void News::post(const std::string& text, bool failure) {
  const std::string said = (failure ? "f" : "c") + text;
  Board::ask(board_, milliseconds(1000), [board = board_.get(), said](c10d::Store& store) {
    store.compareSet("end", {}, bytes(said));
    if (board->latest().text.empty()) board->notice(store);
  });
}

std::string News::explain(const std::string& error) {
  if (const Item known = latest(); known.failure)
    return known.text;  // the store may be gone by now
  auto result = std::make_shared<std::string>();
  const bool answered =
      Board::ask(board_, 2 * kAnswer, [board = board_.get(), result, error](c10d::Store& store) {
        store.set("trouble", bytes("1"));
        if (!board->answered) board->answer(store);
        const auto until = std::chrono::steady_clock::now() + kAnswer;
        while (std::chrono::steady_clock::now() < until && !store.check({"end"}) &&
               store.add("here", 0) < board->size) {
          std::this_thread::sleep_for(milliseconds(50));
        }
        if (!store.check({"end"})) {
          std::vector<int> silent;
          for (int r = 0; r < board->size; ++r) {
            if (!store.check({"here/" + std::to_string(r)})) silent.push_back(r);
          }
          const char* const away = board->has_called() ? " no longer answered: "
                                                       : " did not come, or no longer answered: ";
          const std::string what =
              silent.empty() ? error + board->late(store) : join(silent) + away + error;
          store.compareSet("end", {}, bytes("f" + what));
        }
        *result = board->notice(store);
      });
  if (answered) return *result;
  return "the store of the group no longer answers; its process, rank 0 or the agent, has ended, "
         "hangs or is not reached: " +
         error;
}

std::string News::difference(const std::string& topic, const std::string& mine) {
  auto all = std::make_shared<std::vector<std::string>>();
  const bool answered =
      Board::ask(board_, 2 * kAnswer, [board = board_.get(), all, topic, mine](c10d::Store& store) {
        store.set(topic + std::to_string(board->rank), bytes(mine));
        std::vector<std::string> said;
        for (int r = 0; r < board->size; ++r) {
          const std::string key = topic + std::to_string(r);
          try {
            store.wait({key}, kAnswer);
          } catch (const std::exception&) {
            break;  // a rank has gone; those before it have said enough
          }
          said.push_back(text(store.get(key)));
        }
        *all = std::move(said);
      });
  if (!answered) return "";
  std::string first;
  std::vector<int> others;
  for (size_t r = 1; r < all->size(); ++r) {
    const auto [here, there] = first_difference(all->front(), (*all)[r]);
    if (here == there) continue;
    others.push_back(static_cast<int>(r));
    if (first.empty()) {
      first = "rank 0 has " + here + ", rank " + std::to_string(r) + " has " + there;
    }
  }
  return others.size() > 1 ? first + "; " + join(others) + " differ from rank 0" : first;
}

void News::linger() const {
  if (!latest().failure || board_->size == 1) return;
  Board::ask(board_, milliseconds(2000), [board = board_.get()](c10d::Store& store) {
    const auto until = std::chrono::steady_clock::now() + milliseconds(1900);
    while (std::chrono::steady_clock::now() < until && store.add("read", 0) < board->size) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
}

}  // namespace cooper4j::distributed
